import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'
import { guides } from './guide'

// Where the API is while Vite serves the page; a built page is served by the API itself.
const api = process.env.RUNWATCH_URL ?? 'http://127.0.0.1:8000'

/** Beside each file that compresses, its .gz and .br: the server has no work with them. */
function precompressed(): Plugin {
  let folder = 'dist'
  return {
    name: 'precompressed',
    apply: 'build',
    configResolved({ build }) {
      folder = build.outDir
    },
    closeBundle() {
      for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        // GraphiQL's HTML differs with each answer.
        if (!/\.(js|css|html|svg|json)$/.test(file.name) || file.name === 'graphiql.html') continue
        const path = join(file.parentPath, file.name)
        const content = readFileSync(path)
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }))
        const quality = content.length > 500_000 ? 7 : constants.BROTLI_MAX_QUALITY // 11 takes 8 s for the editor
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }))
      }
    },
  }
}

/** What both pages need at once: not GraphiQL's own weight, nor what a run needs that somebody opens later. */
const LATER = /graphql\/|monaco|\.css$|src\/(execution|log|live\/.*log|retry\/bulk|parts\/json)/
const SHARED = (id: string): boolean => !LATER.test(id)

export default defineConfig({
  base: '/admin/automations/',
  plugins: [
    react(),
    guides(),
    precompressed(),
    {
      // GraphiQL's style sheet carries its fonts as data: URLs: 320 kB gzipped, and a hole in the policy.
      name: 'no-data-fonts',
      enforce: 'pre',
      transform: (code, id) =>
        /graphiql.*style\.css$/.test(id) ? code.replace(/@font-face\s*\{[^}]*\}/g, '') : undefined,
    },
  ],
  server: { host: '127.0.0.1', port: 8001, proxy: { '/graphql': { target: api, ws: true }, '/session': api } },
  build: {
    target: 'es2023',
    outDir: 'dist',
    assetsInlineLimit: 0, // a data: URL would need img-src data:
    modulePreload: { polyfill: false }, // needless for these targets
    manifest: true,
    rollupOptions: {
      // One file of what both pages share: each more is a request before the first row.
      output: { codeSplitting: { groups: [{ name: 'shared', minShareCount: 2, test: SHARED }] } },
      input: { app: 'index.html', graphiql: 'graphiql.html' },
      onwarn: (warning, warn) => {
        // "use no memo" in @graphiql/react is harmless; every other warning is to be seen.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning)
      },
    },
  },
  test: { include: ['src/**/*.test.ts'], testTimeout: 60_000 }, // a time-out is for what hangs, not for a busy machine
} as Parameters<typeof defineConfig>[0])
