import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { type Plugin, runnerImport } from 'vite'

const HERE = new URL('.', import.meta.url).pathname
/** Where documents may stand: each is exported, so that the list below has it. */
const FILES = 'src/**/*documents.ts'
const CALL = /\bgraphql\(\s*`/g

/** The texts of all operations that the page sends, as it sends them. */
async function operations(): Promise<string[]> {
  const { module } = await runnerImport<typeof import('./src/api/graphql')>(`${HERE}src/api/graphql.ts`, { configFile: false })
  const files = globSync(FILES, { cwd: HERE })
  for (const file of globSync('src/**/*.{ts,tsx}', { cwd: HERE })) {
    if (!files.includes(file) && calls(file) > 0) throw new Error(`${file}: documents belong into a file documents.ts`)
  }
  const texts = new Set<string>()
  for (const file of files.sort()) {
    const exported = await runnerImport<Record<string, object>>(HERE + file, { configFile: false })
    const documents = Object.values(exported.module).filter((each) => 'parts' in each)
    if (documents.length !== calls(file)) throw new Error(`${file}: export each document`)
    for (const document of documents) texts.add(module.textOf(document))
  }
  return [...texts].filter((text) => !text.startsWith('fragment'))
}

function calls(file: string): number {
  return readFileSync(HERE + file, 'utf8').match(CALL)?.length ?? 0
}

/**
 * Lists what the page sends to /graphql in documents.json, in the form of Apollo's manifests: a server that takes trusted
 * documents only (RUNWATCH_GRAPHQL_DOCUMENTS) takes these.
 */
export function documents(): Plugin {
  return {
    name: 'documents',
    apply: 'build',
    async generateBundle() {
      const listed = (await operations()).map((body) => {
        const [, type, name] = /^(\w+) (\w+)/.exec(body)!
        return { id: createHash('sha256').update(body).digest('hex'), name, type, body }
      })
      const source = JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, operations: listed })
      this.emitFile({ type: 'asset', fileName: 'documents.json', source })
    },
  }
}
