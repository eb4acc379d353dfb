/**
 * GraphiQL's tabs are list items with the role "tab" that hold buttons, which no assistive technology can read: a tab
 * may hold nothing to press. The list stays a list, its buttons say which one is current.
 */
function rename(): void {
  for (const list of document.querySelectorAll('.graphiql-session-header [role=tablist]')) list.removeAttribute('role')
  for (const item of document.querySelectorAll('.graphiql-session-header .graphiql-tab')) {
    const chosen = item.classList.contains('graphiql-tab-active')
    item.removeAttribute('role')
    item.removeAttribute('aria-selected')
    const button = item.querySelector('.graphiql-tab-button')
    if (chosen) button?.setAttribute('aria-current', 'true')
    else button?.removeAttribute('aria-current')
  }
}

/** Keep the names of its parts right, whatever it renders. */
export function keepNames(root: Element): void {
  new MutationObserver(rename).observe(root, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ['class', 'role', 'aria-selected'],
  })
}
