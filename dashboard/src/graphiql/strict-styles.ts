/**
 * Lets Monaco live under a policy without 'unsafe-inline'. It writes <style> elements, which get the page's nonce here,
 * and HTML with style attributes, which are taken out and set through the CSSOM: no policy forbids that.
 */
const nonce = document.querySelector<HTMLMetaElement>('meta[name=style-nonce]')?.content ?? ''

const create = document.createElement.bind(document)
document.createElement = ((name: string, options?: ElementCreationOptions) => {
  const element = create(name, options)
  if (element instanceof HTMLStyleElement) element.nonce = nonce
  return element
}) as typeof document.createElement

const ATTRIBUTE = /(<[^>]*?\s)style=(["'])/g
const quiet = (html: string): string => html.replace(ATTRIBUTE, '$1data-csp-style=$2')

function wake(root: ParentNode): void {
  for (const each of root.querySelectorAll<HTMLElement>('[data-csp-style]')) {
    each.style.cssText = each.dataset.cspStyle!
    each.removeAttribute('data-csp-style')
  }
}

const inner = Object.getOwnPropertyDescriptor(Element.prototype, 'innerHTML')!
Object.defineProperty(Element.prototype, 'innerHTML', {
  ...inner,
  set(this: Element, html: unknown) {
    inner.set!.call(this, quiet(String(html ?? '')))
    wake(this)
  },
})

const insert = Element.prototype.insertAdjacentHTML
Element.prototype.insertAdjacentHTML = function (where, html) {
  insert.call(this, where, quiet(String(html)))
  wake(this.parentNode ?? this)
  wake(this)
}

const set = Element.prototype.setAttribute
Element.prototype.setAttribute = function (this: HTMLElement, name: string, value: string) {
  if (name === 'style' && 'style' in this) this.style.cssText = value
  else set.call(this, name, value)
}

export {}
