import { type JSX, useState } from 'react'
import { SentNumber } from '../api/api'
import { texts } from '../texts'
import { CopyButton } from './copy'

/** What the server shows in the place of a sealed value. */
const MASK = '•••'
/** Branches deeper than this begin folded. */
const OPEN_DEPTH = 2
/** Entries of one branch that are shown at once. */
const MAX_ENTRIES = 200

/** JSON as a tree that folds: numbers as they were sent, texts with their line breaks, sealed values as such. */
export function JsonTree({ label, value, folded = false }: { label: string; value: unknown; folded?: boolean }): JSX.Element {
  const [raw, setRaw] = useState(false)
  const text = (): string => JSON.stringify(value, null, 2) ?? ''
  return (
    <div className="json">
      <div className="json-head">
        <b>{label}</b>
        <button type="button" className="bare" aria-pressed={raw} onClick={() => setRaw(!raw)}>
          {texts.json.raw}
        </button>
        <CopyButton what={label} text={text} />
      </div>
      {raw ? (
        <pre tabIndex={0} aria-label={label}>
          {text()}
        </pre>
      ) : (
        <div className="mono">
          <Node value={value} depth={folded ? OPEN_DEPTH : 0} />
        </div>
      )}
    </div>
  )
}

function Node({ name, value, depth }: { name?: string; value: unknown; depth: number }): JSX.Element {
  const [limit, setLimit] = useState(MAX_ENTRIES)
  const [open, setOpen] = useState(depth < OPEN_DEPTH)
  const branch = entriesOf(value)
  if (branch === null) {
    return (
      <p className="leaf">
        {name !== undefined && <Key name={name} />}
        <Leaf value={value} />
      </p>
    )
  }
  const [entries, kind] = branch
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {name !== undefined && <Key name={name} />}
        <span className="dim">{kind === 'list' ? texts.json.items(entries.length) : texts.json.fields(entries.length)}</span>
      </summary>
      {open && (
        <div className="children">
          {entries.slice(0, limit).map(([key, child]) => (
            <Node key={key} name={key} value={child} depth={depth + 1} />
          ))}
          {entries.length > limit && (
            <button type="button" className="link" onClick={() => setLimit(limit + MAX_ENTRIES)}>
              {texts.json.more(entries.length - limit)}
            </button>
          )}
        </div>
      )}
    </details>
  )
}

function entriesOf(value: unknown): [[string, unknown][], 'list' | 'object'] | null {
  if (typeof value !== 'object' || value === null || value instanceof SentNumber) return null
  return [Object.entries(value), Array.isArray(value) ? 'list' : 'object']
}

function Key({ name }: { name: string }): JSX.Element {
  return <span className="key">{name}: </span>
}

function Leaf({ value }: { value: unknown }): JSX.Element {
  if (value === MASK) {
    return (
      <span className="sealed" title={texts.json.sealed}>
        {MASK} <small>{texts.json.sealed}</small>
      </span>
    )
  }
  if (value instanceof SentNumber) return <span className="number">{value.source}</span>
  if (typeof value === 'string') {
    return <span className={value.includes('\n') ? 'string lines' : 'string'}>{JSON.stringify(value).includes('\\n') ? value : `"${value}"`}</span>
  }
  return <span className={typeof value === 'number' ? 'number' : 'word'}>{String(value)}</span>
}
