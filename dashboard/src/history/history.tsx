import { type JSX, useRef } from 'react'
import { ErrorBox } from '../parts/error-box'
import { useKeys } from '../parts/keys'
import { soon } from '../parts/soon'
import { useAgain } from '../parts/use-again'
import { texts } from '../texts'
import { Empty } from './empty'
import { FilterBar } from './filter-bar'
import { Head } from './head'
import { Histogram } from './histogram'
import { Runs } from './runs'
import { useChoice } from './use-choice'
import { useColumns } from './use-columns'
import { useList } from './use-list'
import { useSummary } from './use-summary'
import { useTitle } from './use-title'

const BulkResult = soon(async () => (await import('../retry/bulk-result')).BulkResult)

/** The list of runs: the page that an administrator keeps open. */
export function History(): JSX.Element {
  const state = useChoice()
  const { choice, change, open } = state
  const listed = useList(choice)
  const { list } = listed
  const summary = useSummary(choice, list)
  const [columns, setColumns] = useColumns(state)
  const search = useRef<HTMLInputElement>(null)
  const total = summary.facets.data?.total ?? null
  useTitle(summary, list)
  const again = (): void => {
    void list.reveal()
    summary.retry()
  }
  useAgain(Boolean(list.error ?? summary.facets.error ?? summary.histogram.error), again)
  useKeys({ '/': () => search.current?.focus() })
  return (
    <Runs
      listed={listed}
      choice={choice}
      change={change}
      run={state.run}
      open={open}
      columns={columns}
      total={total}
      follow={state.follow}
      again={again}
      empty={<Empty choice={choice} change={change} list={list} />}
    >
      <Head state={state} columns={columns} onColumns={setColumns} />
      {state.unknown.length > 0 && (
        <p className="notice" role="status">
          {texts.history.unknown(state.unknown)}
          <button type="button" onClick={state.forget}>
            {texts.history.forget}
          </button>
        </p>
      )}
      {choice.retry !== null && (
        <BulkResult id={choice.retry} onMade={() => void list.reveal()} onClose={() => change({ retry: null })} />
      )}
      <FilterBar
        choice={choice}
        change={change}
        facets={summary.facets}
        searchRef={search}
        onOpen={(id) => open(id, false, { q: '' })}
        total={total}
      />
      {summary.histogram.error && !summary.histogram.data && !list.error ? (
        <ErrorBox error={summary.histogram.error} retry={summary.retry} />
      ) : (
        <Histogram
          data={summary.histogram.data}
          narrowed={choice.from !== null || choice.to !== null || choice.range !== null}
          onPick={(from, to) => change({ from, to, range: null })}
          onWiden={() => change({ from: null, to: null, range: null })}
        />
      )}
    </Runs>
  )
}
