/** Where the second secret is that a session over plain http is bound to: only this origin can read it. */
const SECRET = 'runwatch.session-secret'

/** The headers that each request carries besides the cookie. */
export function credentials(): Record<string, string> {
  const secret = localStorage.getItem(SECRET)
  return secret === null ? {} : { 'x-runwatch-session': secret }
}

export function keepSecret(secret: string | null): void {
  if (secret === null) localStorage.removeItem(SECRET)
  else localStorage.setItem(SECRET, secret)
}
