import type { LogLine } from '../live/log-documents'

/** A line as one copies it: its time, level, step and text. Pure. */
export function asText({ at, level, step, message, attributes }: LogLine): string {
  const data = attributes === null ? '' : ` ${JSON.stringify(attributes)}`
  return `${at} ${level} ${step ? `[${step.name}] ` : ''}${message}${data}`
}

/** Attributes in one line, as one reads them: spaces after colons and commas, cut where they are long. */
export function preview(attributes: unknown, most = 140): string {
  let left = most
  const write = (value: unknown): string => {
    if (left <= 0) return '…'
    if (Array.isArray(value)) return `[${listed(value.map((each) => () => write(each)))}]`
    if (typeof value === 'object' && value !== null && !('source' in value && Object.keys(value).length === 1)) {
      return `{${listed(Object.entries(value).map(([key, each]) => () => `${spend(key)}: ${write(each)}`))}}`
    }
    if (typeof value === 'string') return spend(JSON.stringify(value.length > most ? `${value.slice(0, most)}…` : value))
    return spend(typeof value === 'object' && value !== null ? String((value as { source: string }).source) : String(value))
  }
  const spend = (text: string): string => {
    left -= text.length + 2
    return text
  }
  const listed = (parts: (() => string)[]): string => {
    const shown: string[] = []
    for (const part of parts) {
      if (left <= 0) {
        shown.push('…')
        break
      }
      shown.push(part())
    }
    return shown.join(', ')
  }
  return write(attributes)
}
