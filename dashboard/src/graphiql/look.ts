import { useSyncExternalStore } from 'react'
import { useSettings } from '../parts/settings'

/** The editors' colours: the page's own, as style/base.css has them. */
const PALETTES = {
  light: {
    surface: '#ffffff', sunken: '#f0f2f5', text: '#14202e', dim: '#56616d', accent: '#1f57c9', soft: '#e8effc',
    success: '#12703f', pending: '#8a5300', failure: '#b3261e',
  },
  dark: {
    surface: '#14181d', sunken: '#0f1216', text: '#e6eaef', dim: '#a0abb8', accent: '#7fb0ff', soft: '#1c2b45',
    success: '#4cc38a', pending: '#f0b94d', failure: '#ff8f87',
  },
} as const
const CLEAR = '#ffffff00' // the page's surface shows through

export type Theme = keyof typeof PALETTES
export const EDITOR_THEMES = { light: 'runwatch-light', dark: 'runwatch-dark' } as const

/** Before GraphiQL is mounted: it sets a theme by its name. */
export async function defineEditorThemes(): Promise<void> {
  const monaco = await import('monaco-graphql/esm/monaco-editor.js')
  for (const theme of ['light', 'dark'] as const) {
    const { surface, text, dim, accent, soft, success, pending, failure } = PALETTES[theme]
    monaco.editor.defineTheme(EDITOR_THEMES[theme], {
      base: theme === 'light' ? 'vs' : 'vs-dark',
      inherit: true,
      colors: {
        'editor.background': CLEAR, 'editor.foreground': text, 'scrollbar.shadow': CLEAR, focusBorder: accent,
        'editorLineNumber.foreground': dim, 'editorLineNumber.activeForeground': text,
        'editorLineNumber.dimmedForeground': dim,
        'editorBracketHighlight.foreground1': text, 'editorBracketHighlight.foreground2': text,
        'editorBracketHighlight.foreground3': text,
        'editorHoverWidget.background': surface, 'editorWidget.background': surface, 'menu.background': surface,
        'editorSuggestWidget.background': surface, 'editorSuggestWidget.foreground': text,
        'editorSuggestWidget.selectedBackground': soft, 'editorSuggestWidget.selectedForeground': accent,
        'editorSuggestWidget.highlightForeground': accent, 'editorSuggestWidget.focusHighlightForeground': accent,
        'list.hoverBackground': soft, 'list.highlightForeground': accent, 'textLink.foreground': accent,
        'quickInput.background': surface, 'quickInputList.focusBackground': soft, 'quickInputList.focusForeground': accent,
        'menu.selectionBackground': soft, 'menu.selectionForeground': accent, 'toolbar.hoverBackground': soft,
      },
      rules: [
        { token: 'comment', foreground: dim },
        { token: 'keyword', foreground: accent },
        { token: 'identifier', foreground: text },
        { token: 'key.identifier', foreground: text },
        { token: 'type.identifier', foreground: pending },
        { token: 'argument.identifier', foreground: pending },
        { token: 'annotation', foreground: failure },
        { token: 'string', foreground: success },
        { token: 'string.key.json', foreground: text },
        { token: 'string.value.json', foreground: success },
        { token: 'number', foreground: pending },
        { token: 'keyword.json', foreground: accent },
      ],
    })
  }
}

const dark = matchMedia('(prefers-color-scheme: dark)')

/** The theme of the page's setting, which follows the system's by default. */
export function useTheme(): Theme {
  const { theme } = useSettings()
  const system = useSyncExternalStore(
    (watcher) => {
      dark.addEventListener('change', watcher)
      return () => dark.removeEventListener('change', watcher)
    },
    (): Theme => (dark.matches ? 'dark' : 'light'),
  )
  return theme === 'system' ? system : theme
}
