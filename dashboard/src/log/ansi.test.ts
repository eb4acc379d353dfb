import fc from 'fast-check'
import { expect, test } from 'vitest'
import { piecesOf } from './ansi'

test('colours become classes', () => {
  expect(piecesOf('a \u001b[31mred\u001b[1m bold\u001b[0m end')).toEqual([
    { text: 'a ', classes: '' },
    { text: 'red', classes: 'ansi-31' },
    { text: ' bold', classes: 'ansi-31 ansi-bold' },
    { text: ' end', classes: '' },
  ])
})

test('bright colours are those of the palette, cursor moves are left out, control characters shown', () => {
  expect(piecesOf('\u001b[92mok\u001b[39m\u001b[2K\u0007')).toEqual([
    { text: 'ok', classes: 'ansi-32' },
    { text: '␇', classes: '' },
  ])
})

test('a plain text is itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }).filter((text) => !/\p{Cc}/u.test(text)), (text) => {
      expect(piecesOf(text).map((piece) => piece.text).join('')).toBe(text)
    }),
  )
})
