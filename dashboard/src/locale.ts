/** The one language of the page: of its numbers, dates and plurals, and of texts.ts. */
export const LOCALE = 'en-GB'
