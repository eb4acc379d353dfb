import type { JSX } from 'react'
import { filterOf } from '../filter/api-filter'
import { exactly, isNewestFirst, writeChoice } from '../filter/filter'
import { Icon } from '../frame/icons'
import { copyAddress, copyAndSay } from '../parts/copy'
import { Menu, MenuItem } from '../parts/menu'
import { useIsPhone } from '../parts/row-height'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { now } from '../time/clock'
import type { Column } from './columns'
import { Display } from './display'
import { ExportButton } from './export-button'
import { TimeFilter } from './time-filter'
import type { ChoiceState } from './use-choice'

/** The title, and what is done with the view as a whole. */
export function Head({
  state,
  columns,
  onColumns,
}: {
  state: ChoiceState
  columns: readonly Column[]
  onColumns: (columns: Column[]) => void
}): JSX.Element {
  const { choice, change, follow, setFollow } = state
  // There it is in the sheet of filters.
  const phone = useIsPhone()
  const exact = (): URLSearchParams => writeChoice(exactly(choice, now()))
  const withColumns = (): URLSearchParams => {
    const query = new URLSearchParams(location.search)
    query.set('columns', columns.join())
    return query
  }
  return (
    <header className="page-head">
      <h1>{texts.history.title}</h1>
      <div className="end">
        {!phone && <TimeFilter choice={choice} change={change} />}
        <Display
          columns={columns}
          onColumns={onColumns}
          sort={choice.sort}
          onSort={(sort) => change({ sort })}
          follow={isNewestFirst(choice) ? follow : null}
          onFollow={setFollow}
        />
        <Menu
          button={
            <>
              <Icon name="link" /> <span className="word">{texts.history.share}</span>
            </>
          }
        >
          <MenuItem onChoose={copyAddress}>{texts.history.copyView}</MenuItem>
          <MenuItem onChoose={() => void copyAndSay(location.origin + hrefs.history(exact()))}>{texts.history.copyTimes}</MenuItem>
          <MenuItem onChoose={() => void copyAndSay(location.origin + hrefs.history(withColumns()))}>
            {texts.history.copyColumns}
          </MenuItem>
        </Menu>
        <ExportButton filter={() => filterOf(choice, now())} columns={columns} icon />
        <a className="button" href={`${hrefs.graphiql}#${new URLSearchParams({ history: writeChoice(choice).toString() })}`}>
          <Icon name="graphiql" /> {texts.history.openInGraphiql}
        </a>
      </div>
    </header>
  )
}
