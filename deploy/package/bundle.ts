import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

/**
 * `npm run build`: the program with the packages that it uses, in few files. Of the time and memory
 * that a start took, most went into finding and reading a thousand files.
 *
 * One folder without folders in it, so that what a module reads beside itself lies beside it. Names
 * stay, so that a stack trace says where it was; source maps are there for whoever turns them on.
 */
const root = fileURLToPath(new URL('../..', import.meta.url))
const dist = join(root, 'dist')

/** Packages written for `require` find it in an ES module too. */
const REQUIRE = `import { createRequire as _createRequire } from 'node:module';
const require = _createRequire(import.meta.url);`

/** Packages, or their parts, that are imported at the top of what we use, and never run. */
const withoutUnused: Plugin = {
  name: 'without-unused',
  setup({ onResolve, onLoad }) {
    const undici = join(root, 'deploy/package/undici.js')
    onResolve({ filter: /^undici$/ }, () => ({ path: undici }))
    // @fastify/http-proxy, whose `websocket` is off
    onResolve({ filter: /^ws$/ }, ({ path }) => ({ path, namespace: 'unused' }))
    // Fastify's compilers of schemas: src/http/without-schemas.ts
    onResolve({ filter: /^@fastify\/(ajv|fast-json-stringify)-compiler$/ }, ({ path }) => {
      return { path, namespace: 'unused' }
    })
    onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: '' }))
  },
}

rmSync(dist, { recursive: true, force: true })
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/rolecall.ts'],
  outdir: dist,
  bundle: true,
  splitting: true, // each command loads what it needs
  platform: 'node',
  format: 'esm',
  target: 'node20.20',
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: 'linked',
  sourcesContent: false,
  metafile: true,
  plugins: [withoutUnused],
  logLevel: 'warning',
  banner: { js: REQUIRE },
})
const popup = join(root, 'src/http/popup')
for (const name of readdirSync(popup)) {
  if (name.endsWith('.js')) cpSync(join(popup, name), join(dist, name))
}
for (const folder of packagesOf(Object.keys(metafile.inputs))) keepNotices(folder)

/** The folders of the packages that the program is made of. */
function packagesOf(inputs: readonly string[]): ReadonlySet<string> {
  const folders = inputs.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0])
  return new Set(folders.filter((folder) => folder !== undefined))
}

/**
 * A package's manifest and licence: its terms ask for it, and scanners of images find by the manifest
 * what is in the program, and in which version.
 */
function keepNotices(folder: string): void {
  const { name, version, license } = JSON.parse(
    readFileSync(join(root, folder, 'package.json'), 'utf8'),
  )
  const kept = join(dist, 'packages', `${name}@${version}`)
  mkdirSync(kept, { recursive: true })
  writeFileSync(join(kept, 'package.json'), `${JSON.stringify({ name, version, license })}\n`)
  for (const file of readdirSync(join(root, folder))) {
    if (/^(licen[cs]e|notice|copying)/i.test(file))
      cpSync(join(root, folder, file), join(kept, file))
  }
}
