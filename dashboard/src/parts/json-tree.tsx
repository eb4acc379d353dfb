import { type JSX, type KeyboardEvent, memo, useCallback, useDeferredValue, useMemo, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { SentNumber } from '../api/api'
import { runTexts } from '../run-texts'
import { CopyButton } from './copy'
import { type JsonRow, MAX_ENTRIES, rowsOf, search } from './json-rows'

/** What the server shows in the place of a sealed value. */
const MASK = '•••'
/** Branches deeper than this begin folded; of large data those of the first level. */
const OPEN_DEPTH = 2
/** Smaller trees are seen whole: nobody searches in them. */
const FIND_ABOVE = 12
const INDENT_REM = 1.05

/**
 * JSON as a tree that folds: numbers as they were sent, texts with their line breaks, sealed values as such. Arrows
 * move in it; each node has a way to copy its value and its path.
 */
export function JsonTree({
  label,
  value,
  folded = false,
  revealed = false,
}: {
  label: string
  value: unknown
  /** Large: it begins folded at its first level. */
  folded?: boolean
  /** It holds sealed values in the clear: whoever copies it should know. */
  revealed?: boolean
}): JSX.Element {
  const [raw, setRaw] = useState(false)
  const [open, setOpen] = useState<ReadonlyMap<string, boolean>>(new Map())
  const [limits, setLimits] = useState<ReadonlyMap<string, number>>(new Map())
  const [typed, setTyped] = useState('')
  const [at, setAt] = useState('')
  const tree = useRef<HTMLDivElement>(null)
  const wanted = useDeferredValue(typed.trim())
  const hits = useMemo(() => search(value, wanted), [value, wanted])
  const { found } = hits
  const rows = useMemo(
    () => rowsOf(value, { open, limits, depth: folded ? 1 : OPEN_DEPTH }, found.size ? hits : null),
    [value, open, limits, hits, found, folded],
  )
  const text = (): string => JSON.stringify(value, null, 2) ?? ''
  const toggle = useCallback((path: string, to: boolean) => setOpen((before) => new Map(before).set(path, to)), [])
  const more = useCallback((path: string) => setLimits((before) => new Map(before).set(path, (before.get(path) ?? MAX_ENTRIES) + MAX_ENTRIES)), [])
  const current = rows.some(({ path }) => path === at) ? at : ''

  const press = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey || (event.target as Element).matches('input')) return
    const index = rows.findIndex(({ path, more: left }) => path === current && !left)
    const row = rows[index]
    let to: JsonRow | undefined
    if (event.key === 'ArrowDown') to = rows.slice(index + 1).find(({ more: left }) => !left)
    else if (event.key === 'ArrowUp') to = rows.slice(0, Math.max(0, index)).findLast(({ more: left }) => !left)
    else if (event.key === 'Home') to = rows[0]
    else if (event.key === 'End') to = rows.findLast(({ more: left }) => !left)
    else if (event.key === 'ArrowRight' && row?.branch) {
      if (!row.branch.open) toggle(row.path, true)
      else to = rows[index + 1]
    } else if (event.key === 'ArrowLeft' && row) {
      if (row.branch?.open) toggle(row.path, false)
      else to = rows.slice(0, index).findLast(({ level, branch }) => branch !== null && level < row.level)
    } else return
    event.preventDefault()
    if (!to) return
    const { path } = to
    // At once: the next key is that of the node, however soon it comes.
    flushSync(() => setAt(path))
    tree.current?.querySelector<HTMLElement>(`[data-path="${CSS.escape(path)}"]`)?.focus()
  }
  return (
    <div className="json">
      <div className="json-head">
        <b>{label}</b>
        {(rows.length > FIND_ABOVE || folded || typed !== '') && !raw && (
          <label className="json-find">
            <span className="visually-hidden">{runTexts.json.find}</span>
            <input type="search" value={typed} placeholder={runTexts.json.find} onChange={(event) => setTyped(event.target.value)} />
            {wanted !== '' && (
              <span className="dim numbers" role="status">
                {runTexts.json.found(found.size)}
              </span>
            )}
          </label>
        )}
        <button type="button" className="bare" aria-pressed={raw} onClick={() => setRaw(!raw)}>
          {runTexts.json.raw}
        </button>
        <CopyButton what={label} text={text}>
          {revealed ? runTexts.json.revealedCopy : undefined}
        </CopyButton>
      </div>
      {raw ? (
        <pre tabIndex={0} aria-label={label}>
          {text()}
        </pre>
      ) : (
        <div ref={tree} role="tree" aria-label={label} className="mono json-tree" onKeyDown={press} tabIndex={-1}>
          {rows.map((row) =>
            row.more ? (
              <div role="none" key={`${row.path} more`} style={indent(row.level)}>
                <button type="button" className="link" onClick={() => more(row.path)}>
                  {runTexts.json.more(row.more)}
                </button>
              </div>
            ) : (
              <Row key={row.path} row={row} root={label} current={row.path === current} found={found.has(row.path)} onToggle={toggle} onFocus={setAt} />
            ),
          )}
        </div>
      )}
    </div>
  )
}

/** One more for the sign: what wraps goes on below the name. */
const indent = (level: number): { paddingInlineStart: string } => ({ paddingInlineStart: `${level * INDENT_REM + 1}rem` })

const Row = memo(function Row({
  row,
  root,
  current,
  found,
  onToggle,
  onFocus,
}: {
  row: JsonRow
  root: string
  current: boolean
  found: boolean
  onToggle: (path: string, open: boolean) => void
  onFocus: (path: string) => void
}): JSX.Element {
  const { branch, path, name, value, level } = row
  const called = path || root
  return (
    // The tree has the keys of its rows (roving focus).
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      role="treeitem"
      aria-level={level + 1}
      aria-expanded={branch ? branch.open : undefined}
      aria-selected={false}
      data-path={path}
      tabIndex={current ? 0 : -1}
      className={`json-row ${found ? 'found' : ''}`}
      style={indent(level)}
      onFocus={(event) => event.target === event.currentTarget && onFocus(path)}
      onClick={(event) => {
        if (branch && !(event.target as Element).closest('button')) onToggle(path, !branch.open)
      }}
    >
      <span className="json-fold" aria-hidden="true">
        {branch ? (branch.open ? '▾' : '▸') : ''}
      </span>
      {name !== null && <span className="key">{name}: </span>}
      {branch ? (
        <span className="dim">{branch.kind === 'list' ? runTexts.json.items(branch.count) : runTexts.json.fields(branch.count)}</span>
      ) : (
        <Leaf value={value} />
      )}
      <span className="json-copy">
        <CopyButton what={runTexts.json.value(called)} text={() => (typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? ''))} tabIndex={current ? 0 : -1} />
        {path !== '' && (
          <CopyButton what={runTexts.json.path(called)} text={path} tabIndex={current ? 0 : -1}>
            <span aria-hidden="true">.path</span>
          </CopyButton>
        )}
      </span>
    </div>
  )
})

function Leaf({ value }: { value: unknown }): JSX.Element {
  if (value === MASK) {
    return (
      <span className="sealed">
        <svg width="11" height="11" viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.8" aria-hidden="true">
          <rect x="3" y="7" width="10" height="7" rx="1.5" />
          <path d="M5 7V5a3 3 0 0 1 6 0v2" />
        </svg>{' '}
        {MASK} <small>{runTexts.json.sealed}</small>
      </span>
    )
  }
  if (value instanceof SentNumber) return <span className="number">{value.source}</span>
  if (typeof value === 'string') {
    return value.includes('\n') ? <span className="string lines">{value}</span> : <span className="string">{JSON.stringify(value)}</span>
  }
  return <span className={typeof value === 'number' ? 'number' : 'word'}>{String(value)}</span>
}
