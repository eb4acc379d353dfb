import { BASE } from '../routes'
import type { SavedView } from './documents'

/** The first views have these keys, in the order of the rail. */
export const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'] as const

/** The page of a path that has nothing below it; null for others, whose query would say too little. */
export function pageOf(path: string): string | null {
  return /^\/([a-z]+)$/.exec(path)?.[1] ?? null
}

/** Where a view is, below the page's base. */
export function pathOf({ page, query }: Pick<SavedView, 'page' | 'query'>): string {
  return `/${page}${query === '' ? '' : `?${query}`}`
}

export function hrefOf(view: SavedView): string {
  return `${BASE}${pathOf(view)}`
}
