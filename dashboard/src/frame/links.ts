import { navigate } from 'wouter/use-browser-location'
import { BASE, hrefs } from '../routes'

/** Whether an address is a view of this page: the sign-in is one by itself, guides are files. */
function isView(pathname: string): boolean {
  return pathname.startsWith(`${BASE}/`) && pathname !== hrefs.signIn && !pathname.endsWith('.html')
}

/**
 * A link to another view shows it without loading the page again: lists that were left stay as they were, for Back, and a
 * server that is away takes nothing with it. Other tabs, other pages and what a component does by itself are not our business.
 */
export function followLinks(): void {
  document.addEventListener('click', (event) => {
    const { defaultPrevented, button, metaKey, ctrlKey, shiftKey, altKey, target } = event
    if (defaultPrevented || button !== 0 || metaKey || ctrlKey || shiftKey || altKey) return
    const link = (target as Element).closest('a')
    if (!link || link.target !== '' || link.origin !== location.origin || link.hash !== '' || !isView(link.pathname)) return
    event.preventDefault()
    const to = `${link.pathname}${link.search}`
    navigate(to, { replace: to === `${location.pathname}${location.search}` }) // as browsers do: Back leads on
  })
}
