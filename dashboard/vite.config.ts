import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin, type UserConfig } from 'vite'
import { documents } from './documents.ts'
import { early } from './early.ts'
import { guides } from './guide.ts'

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
      if (!existsSync(folder)) return // the build failed, and says why
      for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        // GraphiQL's HTML differs with each answer.
        if (!/\.(js|css|html|svg|json)$/.test(file.name) || file.name === 'graphiql.html') continue
        const path = join(file.parentPath, file.name)
        if (existsSync(`${path}.br`)) continue // of the build before
        const content = readFileSync(path)
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }))
        const quality = content.length > 500_000 ? 7 : constants.BROTLI_MAX_QUALITY // 11 takes 8 s for the editor
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }))
      }
    },
  }
}

/**
 * V8 compiles all of a file that begins so while it arrives, beside the page's own thread, instead of each function when
 * it is called first: a quarter less work before the first row.
 */
function compiledAhead(): Plugin {
  return {
    name: 'compiled-ahead',
    apply: 'build',
    enforce: 'post',
    generateBundle: {
      order: 'post', // the line has to be the first
      handler(_, bundle) {
        for (const part of Object.values(bundle)) {
          if (part.type === 'chunk' && part.isEntry) part.code = `//# allFunctionsCalledOnLoad\n${part.code}`
        }
      },
    },
  }
}

/**
 * GraphiQL is a build of its own: `vite build` makes the dashboard, `vite build --mode graphiql` adds GraphiQL to it. What
 * both have is twice in the folder; in return all that the dashboard starts with is one file.
 */
export default defineConfig(({ mode }) => {
  const isGraphiql = mode === 'graphiql'
  return {
    base: '/admin/automations/',
    plugins: [
      react(),
      early(),
      !isGraphiql && guides(),
      !isGraphiql && documents(),
      !isGraphiql && compiledAhead(),
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
      emptyOutDir: !isGraphiql,
      assetsInlineLimit: 0, // a data: URL would need img-src data:
      modulePreload: { polyfill: false }, // needless for these targets
      manifest: !isGraphiql,
      rollupOptions: {
        input: isGraphiql ? { graphiql: 'graphiql.html' } : { app: 'index.html' },
        ...(isGraphiql ? {} : { output: { codeSplitting: { groups: [{ name: 'app', tags: ['$initial'] }] } } }),
        onwarn: (warning, warn) => {
          // "use no memo" in @graphiql/react is harmless; every other warning is to be seen.
          if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning)
        },
      },
    },
    test: { include: ['src/**/*.test.ts'], testTimeout: 60_000 }, // a time-out is for what hangs, not for a busy machine
  } as UserConfig
})
