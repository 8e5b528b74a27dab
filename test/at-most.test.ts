import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LRUCache } from 'lru-cache'
import { atMost } from '../src/at-most.ts'

test('a cache holds so many entries and no more, what was used least lately going first', () => {
  const cache = new LRUCache<string, number>({ ...atMost(3), ttl: 1_000, ttlResolution: 0 })
  for (const [i, key] of ['a', 'b', 'c', 'd'].entries()) {
    cache.set(key, i)
    cache.get('a')
  }
  assert.deepEqual([...cache.keys()].sort(), ['a', 'c', 'd'])
})

test('a cache that is empty takes no room for what might come', () => {
  const before = process.memoryUsage().heapUsed
  const caches = Array.from({ length: 200 }, () => new LRUCache<string, string>(atMost(10_000)))
  const each = (process.memoryUsage().heapUsed - before) / caches.length
  assert.ok(each < 20_000, `${Math.round(each)} bytes each`)
})
