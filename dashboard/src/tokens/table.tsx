import { type JSX, useState } from 'react'
import { ask } from '../api/api'
import { useViewer } from '../frame/viewer'
import { toast } from '../parts/announce'
import { Confirm } from '../parts/confirm'
import { type Column, Listing } from '../parts/listing'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { now } from '../time/clock'
import { tokenTexts } from '../token-texts'
import { RevokeToken, type Token } from './documents'

/** The tokens, each with its role, when it was used, and a way to end it. */
export function Table({ tokens, onChanged }: { tokens: readonly Token[]; onChanged: () => void }): JSX.Element {
  const { columns } = tokenTexts
  const [revoking, setRevoking] = useState<Token | null>(null)
  const shown: Column<Token>[] = [
    {
      title: columns.token,
      names: true,
      cell: ({ name, prefix }) => (
        <>
          <b>{name}</b> <span className="mono dim">{prefix}…</span>
        </>
      ),
    },
    {
      title: columns.role,
      cell: ({ role, engine }) => (
        <>
          {tokenTexts.roles[role]} {engine !== null && <a href={hrefs.engines(engine)}>{tokenTexts.of(engine)}</a>}
        </>
      ),
    },
    {
      title: columns.used,
      cell: ({ lastUsedAt }) => (lastUsedAt === null ? tokenTexts.never : <When at={lastUsedAt} focusable />),
    },
    { title: columns.created, cell: ({ createdAt }) => <When at={createdAt} focusable /> },
    {
      title: columns.ends,
      cell: (token) =>
        token.expiresAt === null ? tokenTexts.notByItself : <When at={token.expiresAt} focusable ahead={overOf(token) === null} />,
    },
    {
      title: columns.act,
      className: 'act',
      isPlain: true,
      cell: (token) =>
        overOf(token) ?? (
          <button type="button" aria-label={tokenTexts.revokeOf(token.name)} onClick={() => setRevoking(token)}>
            {tokenTexts.revoke}
          </button>
        ),
    },
  ]
  return (
    <>
      <Listing rows={tokens} columns={shown} keyOf={({ id }) => id} classOf={(token) => (overOf(token) === null ? '' : 'dim')} />
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

/** Why nobody can sign in with it any more; null: somebody can. */
export function overOf({ revokedAt, expiresAt }: Token): string | null {
  if (revokedAt !== null) return tokenTexts.revoked
  return expiresAt !== null && Date.parse(expiresAt) <= now() ? tokenTexts.expired : null
}

function Revoke({ token, onClose, onDone }: { token: Token; onClose: () => void; onDone: () => void }): JSX.Element {
  const viewer = useViewer()
  const revoke = async (): Promise<void> => {
    await ask(RevokeToken, { id: token.id })
    toast(tokenTexts.revokedNow(token.name))
    onDone()
  }
  return (
    <Confirm title={tokenTexts.revokeTitle(token.name)} word={tokenTexts.revoke} act={revoke} onClose={onClose}>
      <p>{tokenTexts.revokeText}</p>
      {viewer?.name === token.name && (
        <p>
          <b>{tokenTexts.isMe}</b>
        </p>
      )}
    </Confirm>
  )
}
