import { useEffect, useState } from 'react'
import { ask } from '../api/api'
import { GroupName } from './documents'

interface Group {
  id: string
  type: string | null
  message: string
}

/** What error groups are called, by id: an id says nothing in a chip. */
const names = new Map<string, string>()

/** The name of a group; a link may have an id of before, or of one that was merged into it. */
export function rememberGroup({ id, type, message }: Group, asked = id): string {
  const line = message.split('\n', 1)[0]!
  const name = type === null ? line : `${type}: ${line}`
  names.set(id, name).set(asked, name)
  return name
}

/** The name of an error group; its id until the name is known, or if there is none. */
export function nameOfGroup(id: string): string {
  return names.get(id) ?? id
}

/** Ask for the names of these groups, once; renders again when they are known. */
export function useGroupNames(ids: readonly string[]): void {
  const [, setKnown] = useState(0)
  const missing = ids.filter((id) => !names.has(id)).join(' ')
  useEffect(() => {
    const asking = new AbortController()
    for (const id of missing.split(' ').filter(Boolean)) {
      ask(GroupName, { id }, { signal: asking.signal }).then(
        ({ node }) => {
          if (node && 'message' in node) setKnown(rememberGroup(node as Group, id).length)
        },
        () => {}, // it keeps its id
      )
    }
    return () => asking.abort()
  }, [missing])
}
