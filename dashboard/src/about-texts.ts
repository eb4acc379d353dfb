import { n } from './counts'

/** Every English word of the page about the server, loaded with it. */
export const aboutTexts = {
  title: 'About',
  server: 'Server',
  fact: {
    version: 'Version', build: 'Page', kept: 'Keeps runs', clock: 'Its clock', health: 'Health', who: 'Signed in', ends: 'Until',
  },
  kept: (days: number) => `for ${n(days, 'day', 'days')} after they finished; failed ones may stay for longer`,
  forEver: 'until somebody deletes them',
  noPage: 'It serves none.',
  ready: 'It can do its work.',
  notReady: 'It cannot do its work:',
  silent: 'It did not answer.',
  notByItself: 'somebody ends it',
  guides: 'Guides',
  api: 'Writing a client of the API',
  events: 'Reporting events, and taking retries',
} as const
