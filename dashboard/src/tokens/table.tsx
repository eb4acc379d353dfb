import { type JSX, useState } from 'react'
import { type ApiError, ask, asApiError } from '../api/api'
import { useViewer } from '../frame/viewer'
import { toast } from '../parts/announce'
import { Dialog } from '../parts/dialog'
import { ErrorBox } from '../parts/error-box'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { now } from '../time/clock'
import { tokenTexts } from '../token-texts'
import { RevokeToken, type Token } from './documents'

/** The tokens, each with its role, when it was used, and a way to end it. */
export function Table({ tokens, onChanged }: { tokens: readonly Token[]; onChanged: () => void }): JSX.Element {
  const { columns } = tokenTexts
  const [revoking, setRevoking] = useState<Token | null>(null)
  return (
    <>
      <table className="listing">
        <thead>
          <tr>
            {Object.values(columns).map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <Row key={token.id} token={token} onRevoke={() => setRevoking(token)} />
          ))}
        </tbody>
      </table>
      {revoking && (
        <Revoke
          token={revoking}
          onClose={() => setRevoking(null)}
          onDone={() => {
            setRevoking(null)
            onChanged()
          }}
        />
      )}
    </>
  )
}

function Row({ token, onRevoke }: { token: Token; onRevoke: () => void }): JSX.Element {
  const { columns } = tokenTexts
  const over = token.revokedAt !== null ? tokenTexts.revoked : token.expiresAt !== null && Date.parse(token.expiresAt) <= now() ? tokenTexts.expired : null
  return (
    <tr className={over === null ? '' : 'dim'}>
      <th scope="row">
        <b>{token.name}</b> <span className="mono dim">{token.prefix}…</span>
      </th>
      <td data-of={columns.role}>
        {tokenTexts.roles[token.role]}{' '}
        {token.engine !== null && <a href={hrefs.engines(token.engine)}>{tokenTexts.of(token.engine)}</a>}
      </td>
      <td data-of={columns.used}>{token.lastUsedAt === null ? tokenTexts.never : <When at={token.lastUsedAt} focusable />}</td>
      <td data-of={columns.created}>
        <When at={token.createdAt} focusable />
      </td>
      <td data-of={columns.ends}>
        {token.expiresAt === null ? tokenTexts.notByItself : <When at={token.expiresAt} focusable ahead={over === null} />}
      </td>
      <td className="act">
        {over ?? (
          <button type="button" aria-label={tokenTexts.revokeOf(token.name)} onClick={onRevoke}>
            {tokenTexts.revoke}
          </button>
        )}
      </td>
    </tr>
  )
}

function Revoke({ token, onClose, onDone }: { token: Token; onClose: () => void; onDone: () => void }): JSX.Element {
  const viewer = useViewer()
  const [error, setError] = useState<ApiError | null>(null)
  const [busy, setBusy] = useState(false)
  const revoke = async (): Promise<void> => {
    if (busy) return
    setBusy(true)
    try {
      await ask(RevokeToken, { id: token.id })
      toast(tokenTexts.revokedNow(token.name))
      onDone()
    } catch (reason) {
      setError(asApiError(reason))
      setBusy(false)
    }
  }
  return (
    <Dialog title={tokenTexts.revokeTitle(token.name)} onClose={onClose}>
      <p>{tokenTexts.revokeText}</p>
      {viewer?.name === token.name && (
        <p>
          <b>{tokenTexts.isMe}</b>
        </p>
      )}
      {error && <ErrorBox error={error} />}
      <div className="actions">
        <button type="button" onClick={onClose}>
          {texts.dialog.cancel}
        </button>
        <button type="button" className="primary" aria-disabled={busy} onClick={() => void revoke()}>
          {tokenTexts.revoke}
        </button>
      </div>
    </Dialog>
  )
}
