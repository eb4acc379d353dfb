import { createHash } from 'node:crypto'
import { build, type Plugin, type Rolldown } from 'vite'

const ENTRY = '/src/early/main.ts'
/** Where a page wants it: in front of its style sheet, for which a script would wait. */
export const HERE = '<!-- early -->'

/** The script that runs before the page's own: classic, so that it holds up the first paint, and nothing holds it up. */
export interface EarlyScript {
  /** Where it is below the base. */
  fileName: string
  code: string
}

let made: Promise<EarlyScript> | undefined

/** Build it, once, out of the same sources as the page. */
export function earlyScript(): Promise<EarlyScript> {
  return (made ??= make())
}

async function make(): Promise<EarlyScript> {
  const entry = new URL(`.${ENTRY}`, import.meta.url).pathname
  const built = await build({
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    build: { target: 'es2023', write: false, minify: true, lib: { entry, formats: ['iife'], name: 'early' } },
  })
  const [{ output }] = built as Rolldown.RolldownOutput[]
  const { code } = output[0]
  return { code, fileName: `assets/early-${createHash('sha256').update(code).digest('base64url').slice(0, 8)}.js` }
}

/** Puts the early script in front of each page's own. */
export function early(): Plugin {
  let [base, isBuild] = ['/', false]
  return {
    name: 'early',
    configResolved(config) {
      base = config.base
      isBuild = config.command === 'build'
    },
    async generateBundle() {
      const { fileName, code } = await earlyScript()
      this.emitFile({ type: 'asset', fileName, source: code })
    },
    async transformIndexHtml(html) {
      if (!isBuild) return html.replace(HERE, `<script type="module" src="${base}${ENTRY.slice(1)}"></script>`)
      return html.replace(HERE, `<script src="${base}${(await earlyScript()).fileName}"></script>`)
    },
  }
}
