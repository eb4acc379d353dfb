import fc from 'fast-check'
import { expect, test } from 'vitest'
import { piecesOf } from './ansi'
import { marked } from './find'

test('colours become classes', () => {
  expect(piecesOf('a \u001b[31mred\u001b[1m bold\u001b[0m end')).toEqual([
    { text: 'a ', classes: '' },
    { text: 'red', classes: 'ansi-31' },
    { text: ' bold', classes: 'ansi-31 ansi-bold' },
    { text: ' end', classes: '' },
  ])
})

test('bright colours are those of the palette, cursor moves are left out, control characters shown', () => {
  expect(piecesOf('\u001b[92mok\u001b[39m\u001b[2K\u0007 a\u001bb\u007f')).toEqual([
    { text: 'ok', classes: 'ansi-32' },
    { text: '␇ a␛b␡', classes: '' },
  ])
})

test('numbers within a colour of 256, or of all, are no colours of their own', () => {
  expect(piecesOf('\u001b[38;5;31mone\u001b[38;5;9;4mtwo\u001b[38;2;31;32;33mthree\u001b[48;5;1mfour')).toEqual([
    { text: 'one', classes: '' },
    { text: 'two', classes: 'ansi-31 ansi-underline' },
    { text: 'three', classes: 'ansi-underline' },
    { text: 'four', classes: 'ansi-underline' },
  ])
})

test('a terminal’s links and titles leave their text', () => {
  expect(piecesOf('\u001b]8;;https://a.example\u001b\\here\u001b]8;;\u0007 \u001b]0;title\u0007now\r\n')).toEqual([
    { text: 'here', classes: '' },
    { text: ' ', classes: '' },
    { text: 'now', classes: '' },
  ])
})

test('a plain text is itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }).filter((text) => !/\p{Cc}/u.test(text)), (text) => {
      expect(piecesOf(text).map((piece) => piece.text).join('')).toBe(text)
    }),
  )
})

test('what is searched for is marked in any case, and the text stays itself', () => {
  expect(marked('Disk full: DISK 3', 'disk')).toEqual([
    { text: 'Disk', hit: true }, { text: ' full: ', hit: false }, { text: 'DISK', hit: true }, { text: ' 3', hit: false },
  ])
  expect(marked('İ', 'i')).toEqual([{ text: 'İ', hit: false }])
  fc.assert(
    fc.property(fc.string(), fc.string({ maxLength: 2 }), (text, search) => {
      expect(marked(text, search).map((part) => part.text).join('')).toBe(text)
    }),
  )
})
