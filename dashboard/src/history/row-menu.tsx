import type { JSX } from 'react'
import { ask } from '../api/api'
import type { RunRow } from '../filter/documents'
import { type Choice, withValue } from '../filter/filter'
import { toast, toastError } from '../parts/announce'
import { copyAndSay, curlOf } from '../parts/copy'
import { MenuAt, MenuItem } from '../parts/menu'
import { retryNow } from '../retry/retry-button'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { GroupOf } from './documents'
import { rememberGroup } from './groups'
import { narrowing } from './narrow'

/** What can be done with one row: open it, narrow the list by what it says, copy its ids. */
export function RowMenu({
  row,
  anchor,
  choice,
  change,
  onOpen,
  onRetried,
  onClose,
}: {
  row: RunRow
  anchor: HTMLElement
  choice: Choice
  change: (part: Partial<Choice>) => void
  onOpen: () => void
  onRetried: (made: RunRow) => void
  onClose: () => void
}): JSX.Element {
  const { menu } = texts.history
  const only = (cell: 'workflow' | 'step' | 'trigger' | 'engine'): JSX.Element | null => {
    const found = narrowing(row, cell)
    if (!found) return null
    return (
      <MenuItem onChoose={() => change(withValue(choice, found.only, found.value))}>
        {menu.only[cell]} <span className="dim cut">{found.value}</span>
      </MenuItem>
    )
  }
  const narrowByGroup = async (): Promise<void> => {
    try {
      const { execution } = await ask(GroupOf, { id: row.id })
      const group = execution?.error?.group
      if (!group) return toast(menu.noGroup)
      rememberGroup(group)
      change(withValue(choice, 'group', group.id))
    } catch (error) {
      toastError(error)
    }
  }
  return (
    <MenuAt anchor={anchor} label={menu.of(row.workflowName)} onClose={onClose}>
      <MenuItem onChoose={onOpen}>{menu.open}</MenuItem>
      <MenuItem onChoose={() => location.assign(hrefs.execution(row.id))}>{menu.openPage}</MenuItem>
      {row.status === 'FAILURE' && <MenuItem onChoose={() => void retryNow(row, onRetried)}>{texts.retry.retry}</MenuItem>}
      <hr />
      {only('workflow')}
      <MenuItem onChoose={() => change(withValue(choice, 'notWorkflow', row.workflowName))}>{menu.notWorkflow}</MenuItem>
      {only('step')}
      {row.error && <MenuItem onChoose={() => void narrowByGroup()}>{menu.group}</MenuItem>}
      {only('trigger')}
      {only('engine')}
      <hr />
      <MenuItem onChoose={() => void copyAndSay(location.origin + hrefs.execution(row.id))}>{menu.copyLink}</MenuItem>
      <MenuItem onChoose={() => void copyAndSay(row.id)}>{texts.execution.copyId}</MenuItem>
      <MenuItem onChoose={() => void copyAndSay(row.externalId)}>{texts.execution.copyExternalId}</MenuItem>
      <MenuItem onChoose={() => void copyAndSay(curlOf(row.id))}>{texts.execution.copyCurl}</MenuItem>
    </MenuAt>
  )
}
