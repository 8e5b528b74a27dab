/**
 * Tool names that somebody makes who wants to call another tool than the rules see: of the given ones,
 * by case, Unicode, length, wildcards, look-alikes and NULs. The same seed gives the same names.
 */
export function oddNames(tools: readonly string[], count: number, seed: number): string[] {
  const random = generator(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const place = (name: string): number => Math.floor(random() * (name.length + 1))
  const insert = (name: string, piece: string): string => {
    const at = place(name)
    return name.slice(0, at) + piece + name.slice(at)
  }
  const changes: readonly ((name: string) => string)[] = [
    (name) => name.toUpperCase(),
    (name) => insert(name.toLowerCase(), pick(['', 'A', 'Z'])),
    (name) => [...name].map((unit) => (random() < 0.5 ? unit.toUpperCase() : unit)).join(''),
    (name) => [...name].map((unit) => (random() < 0.3 ? fullWidth(unit) : unit)).join(''),
    (name) =>
      name.replace(pick(['a', 'e', 'o', 'i', 's', 'k']), pick(['а', 'е', 'о', 'ı', 'ſ', 'K'])),
    (name) => insert(name, pick(['\0', '\u0001', '\t', '\n', '\r', '\x7f', '\x85', ' '])),
    (name) => `${name}${pick(['\0', '\0_list', '\0pods_list', ' ', '\u00a0', '\u2028', '\ufeff'])}`,
    (name) => `${pick(['\0', ' ', '\ufeff', '\u200b', '../', './', '/', 'pods_list/../'])}${name}`,
    (name) => insert(name, pick(['\u200b', '\u200d', '\u202e', '\u2066', '\u00ad', '\ue000'])),
    (name) => insert(name, pick(['\ud800', '\udfff', '\ud83d'])),
    (name) => insert(name, pick(['*', '**', '?', '%2a', '\\*', '.*', '[a-z]', '_*'])),
    (name) => name.normalize('NFD') + pick(['\u0301', '\u0307', '']),
    (name) => name + name,
    (name) => name.slice(place(name)),
    (name) => name.padEnd(pick([255, 256, 257, 4096]), pick(['x', '_', '*'])),
    (name) => `${pick(tools)}${pick(['', ',', ';', '\0', ' ', '/'])}${name}`,
    () => pick(['', '*', '**', 'null', 'undefined', '__proto__', 'constructor', 'toString']),
    (name) => name.replace('_', pick(['-', '.', '__', '%5f', '\\u005f', '\uff3f'])),
  ]
  return Array.from({ length: count }, () => {
    let name = pick(tools)
    for (let times = Math.floor(random() * 3); times >= 0; times -= 1) name = pick(changes)(name)
    return name
  })
}

function fullWidth(unit: string): string {
  const code = unit.charCodeAt(0)
  return code > 0x20 && code < 0x7f ? String.fromCharCode(code + 0xfee0) : unit
}

/** Mulberry32. */
export function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
