/** Names of browsers and systems by what their User-Agent has; the first that fits, since most claim to be others too. */
const BROWSERS = [
  ['Edg', 'Edge'], ['OPR', 'Opera'], ['Vivaldi', 'Vivaldi'], ['SamsungBrowser', 'Samsung Internet'], ['FxiOS', 'Firefox'], ['Firefox', 'Firefox'],
  ['CriOS', 'Chrome'], ['HeadlessChrome', 'Chrome'], ['Chrome', 'Chrome'], ['Version', 'Safari'],
] as const
const SYSTEMS = [
  [/\biPhone\b/, 'iPhone'], [/\biPad\b/, 'iPad'], [/\bAndroid\b/, 'Android'], [/\bCrOS\b/, 'ChromeOS'], [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'], [/\bLinux\b/, 'Linux'],
] as const

/** `Firefox 140 on Linux`; null for what is not known to be a browser. */
export function browserOf(userAgent: string): { browser: string; system: string | null } | null {
  for (const [token, name] of BROWSERS) {
    const version = new RegExp(`\\b${token}\\w*/(\\d+)`).exec(userAgent)?.[1]
    if (version === undefined) continue
    const system = SYSTEMS.find(([form]) => form.test(userAgent))?.[1] ?? null
    return { browser: `${name} ${version}`, system }
  }
  return null
}
