import { expect, test } from 'vitest'
import { framesOf } from './frames'

const PYTHON = `Traceback (most recent call last):
  File "/app/orders.py", line 83, in _order
    return int(quantity)
           ^^^^^^^^^^^^^
ValueError: invalid literal for int() with base 10: 'twelve'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/usr/lib/python3.11/site-packages/engine/run.py", line 12, in run
    work()
  File "/app/orders.py", line 59, in import_orders
    orders = [_order(row) for row in rows]
orders.BrokenRow: line 5
`

test('a chain of Python errors, the innermost frame first', () => {
  expect(framesOf(PYTHON)).toEqual([
    { file: '/app/orders.py', line: 59, name: 'import_orders', source: 'orders = [_order(row) for row in rows]', library: false },
    { file: 'engine/run.py', line: 12, name: 'run', source: 'work()', library: true },
    { cause: "ValueError: invalid literal for int() with base 10: 'twelve'" },
    { file: '/app/orders.py', line: 83, name: '_order', source: 'return int(quantity)', library: false },
  ])
})

test('JavaScript', () => {
  const text = `TypeError: x is undefined
    at check (/srv/shop/src/check.js:5:12)
    at /srv/shop/node_modules/queue/index.js:10:3
    at node:internal/process/task_queues:95:5`
  expect(framesOf(text)).toEqual([
    { file: '…/shop/src/check.js', line: 5, name: 'check', source: null, library: false },
    { file: 'queue/index.js', line: 10, name: null, source: null, library: true },
    { file: 'node:internal/process/task_queues', line: 95, name: null, source: null, library: true },
  ])
})

test('what is no trace that is known stays text', () => {
  expect(framesOf('goroutine 1 [running]:\nmain.main()')).toBeNull()
})
