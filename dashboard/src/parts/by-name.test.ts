import { expect, test } from 'vitest'
import { byName } from './by-name'

test('numbers sort by their value, letters without regard to case', () => {
  expect(['run 10', 'Zoe', 'Run 2', 'zebra', 'émile', 'eva'].toSorted(byName)).toEqual(['émile', 'eva', 'Run 2', 'run 10', 'zebra', 'Zoe'])
})
