import { readFileSync } from 'node:fs'
import MarkdownIt from 'markdown-it'
import type { Plugin } from 'vite'
import { earlyScript } from './early.ts'

/** The guides of docs/ that the page links, and what they are called there. devtools/page.py has them in its stamp. */
const GUIDES = { 'graphql.md': 'api-guide.html', 'events.md': 'events-guide.html' }
const STYLE = new URL('./guide.css', import.meta.url)

/** What its headings are called in links. */
function anchor(text: string): string {
  return text.toLowerCase().replaceAll(/[^\w]+/g, '-')
}

/** The guide as HTML. What it links to in the repository is not served here: of such a link the text is left. */
export function render(markdown: string): string {
  const md = new MarkdownIt()
  const { rules } = md.renderer
  let open = false
  rules.link_open = (tokens, index, options, _, self) => {
    const href = tokens[index].attrGet('href') ?? ''
    const [file, fragment] = href.split('#')
    const other = GUIDES[file as keyof typeof GUIDES]
    if (other) tokens[index].attrSet('href', fragment ? `${other}#${fragment}` : other)
    open = other !== undefined || /^(https?:|#)/.test(href)
    return open ? self.renderToken(tokens, index, options) : ''
  }
  rules.link_close = () => (open ? '</a>' : '')
  rules.heading_open = (tokens, index) => `<${tokens[index].tag} id="${anchor(tokens[index + 1].content)}">`
  // A long line scrolls by itself: the focus lets the keyboard do so too.
  rules.code_block = rules.fence = (tokens, index) => `<pre tabindex="0"><code>${md.utils.escapeHtml(tokens[index].content)}</code></pre>\n`
  rules.table_open = () => '<div class="table" tabindex="0"><table>\n'
  rules.table_close = () => '</table></div>\n'
  return md.render(markdown)
}

/** The guides as pages of their own, under the same policy, for those who have no checkout. */
export function guides(): Plugin {
  let base = '/'
  return {
    name: 'guides',
    apply: 'build',
    configResolved(config) {
      base = config.base
    },
    async generateBundle() {
      const script = (await earlyScript()).fileName
      const css = this.getFileName(this.emitFile({ type: 'asset', name: 'guide.css', source: readFileSync(STYLE) }))
      for (const [file, fileName] of Object.entries(GUIDES)) {
        const markdown = readFileSync(new URL(`../docs/${file}`, import.meta.url), 'utf8')
        this.emitFile({ type: 'asset', fileName, source: html(markdown, base, css, script) })
      }
    },
  }
}

function html(markdown: string, base: string, css: string, script: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${/^# (.+)$/m.exec(markdown)![1]} · Runwatch</title>
    <script src="${base}${script}"></script>
    <link rel="stylesheet" href="${base}${css}" />
  </head>
  <body>
    <nav><a href="${base}history">Runwatch</a> <a href="/graphiql">GraphiQL</a></nav>
    <main>
${render(markdown)}    </main>
  </body>
</html>
`
}
