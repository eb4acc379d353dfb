import { describe, expect, test } from 'vitest'
import { fit, ranked } from './rank'

const entry = (text: string): { value: string; text: string } => ({ value: text, text })

describe('ranked', () => {
  test('a beginning comes before the beginning of a word, and that before the middle of one', () => {
    const entries = ['Go to Metrics', 'Import orders', 'Pause the import', 'Reimport'].map(entry)
    expect(ranked(entries, ' imp', {}).map(({ text }) => text)).toEqual(['Import orders', 'Pause the import', 'Reimport'])
  })
  test('of equal ones the most used comes first, and the rest keep their order', () => {
    const entries = ['Copy a', 'Copy b', 'Copy c'].map(entry)
    expect(ranked(entries, 'copy', { 'Copy c': 2 }).map(({ text }) => text)).toEqual(['Copy c', 'Copy a', 'Copy b'])
  })
  test('use never beats fit', () => {
    expect(fit('Metrics', 'met')).toBe(3)
    const entries = [entry('Symmetry'), entry('Metrics')]
    expect(ranked(entries, 'met', { Symmetry: 999 })[0]).toEqual(entry('Metrics'))
  })
  test('nothing typed is everything', () => {
    expect(ranked([entry('b'), entry('a')], '', {})).toHaveLength(2)
  })
})
