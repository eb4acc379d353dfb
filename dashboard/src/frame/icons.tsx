import type { JSX } from 'react'

const PATHS = {
  history: 'M2.5 4h11M2.5 8h11M2.5 12h7',
  errors: 'M8 2.200l6 11.300H2zM8 6.500v3.200M8 11.600h.01',
  metrics: 'M2.5 13.500h11M4.500 11V7.500M8 11V3M11.500 11V5.500',
  workflows: 'M2.5 3h4v3.500h-4zM9.500 9.500h4V13h-4zM4.500 6.500v5h5M9.500 4.750h4',
  export: 'M8 2.500v7.500M4.800 7.200L8 10.200l3.200-3M2.500 13.500h11',
  audit: 'M4 2.500h8v11H4zM6 5.500h4M6 8h4M6 10.500h2.500',
  more: 'M3.500 8h.01M8 8h.01M12.500 8h.01',
  engines: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01',
  alerts: 'M8 2a4 4 0 0 0-4 4v3l-1.500 2.500h11L12 9V6a4 4 0 0 0-4-4M6.500 13.500h3',
  graphiql: 'M8 1.8l5.4 3.1v6.2L8 14.2l-5.4-3.1V4.9zM8 1.8L2.6 11h10.8z',
  filter: 'M2 4h12M4.500 8h7M6.500 12h3',
  search: 'M7 11.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9m3.300-1.200L14 14',
  display: 'M2 5h5m4 0h3M2 11h2m4 0h6M7 5a2 2 0 1 0 4 0 2 2 0 1 0-4 0M4 11a2 2 0 1 0 4 0 2 2 0 1 0-4 0',
  link: 'M6.800 9.200a2.700 2.700 0 0 0 3.800 0l2-2a2.700 2.700 0 0 0-3.800-3.800l-.8.8m1.200 2.600a2.700 2.700 0 0 0-3.800 0l-2 2a2.700 2.700 0 0 0 3.800 3.800l.8-.8',
  zone: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M8 4.800V8l2.200 1.600',
  time: 'M2.5 3.5h11v10h-11zM2.5 6.5h11M5.5 2v3M10.5 2v3',
  live: 'M8 8m-2.4 0a2.4 2.4 0 1 0 4.8 0a2.4 2.4 0 1 0-4.8 0M3.6 12.4a6.2 6.2 0 0 1 0-8.8m8.8 0a6.2 6.2 0 0 1 0 8.8',
  paused: 'M5.5 3.5v9m5-9v9',
  refreshed: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.500v3h-3',
  broken: 'M2.5 8h3m5 0h3M6.5 5.5l3 5',
  account: 'M8 8.2a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4M2.8 13.6c.6-2.4 2.6-3.6 5.2-3.6s4.6 1.2 5.2 3.6',
  command: 'M3 4l4 4-4 4M8.500 12H13',
  keys: 'M2 4.5h12v7H2zM4.5 7h.01M7 7h.01M9.500 7h.01M12 7h.01M5 9.500h6',
} as const

/** Icons of the frame, drawn in the text's colour. */
export function Icon({ name }: { name: keyof typeof PATHS }): JSX.Element {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" strokeLinecap="round" strokeLinejoin="round">
      <path d={PATHS[name]} />
    </svg>
  )
}
