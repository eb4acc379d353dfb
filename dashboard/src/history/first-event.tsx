import { type JSX, useEffect, useState } from 'react'
import type { LiveList } from '../live/live-list'
import { toast } from '../parts/announce'
import { CopyButton } from '../parts/copy'
import { hrefs } from '../routes'
import { MakeToken } from '../sign-in/make-token'
import { texts } from '../texts'

/** What to send so that the first run appears; the URL is the origin that this page came from. */
export function FirstEvent({ list }: { list: LiveList }): JSX.Element {
  // It waits longer than this is shown: the list loads in between.
  useEffect(() => greet(list), [list])
  const [language, setLanguage] = useState<keyof typeof EXAMPLES>('curl')
  const [engine, setEngine] = useState('my-engine')
  const example = EXAMPLES[language](location.origin, engine)
  return (
    <div className="empty first-event">
      <h2>{texts.history.noRuns}</h2>
      <p className="dim">{texts.history.sendFirst}</p>
      <MakeToken engine={engine} onEngine={setEngine} />
      <div role="group" aria-label={texts.history.language} className="languages">
        {(Object.keys(EXAMPLES) as (keyof typeof EXAMPLES)[]).map((each) => (
          <button key={each} type="button" aria-pressed={each === language} onClick={() => setLanguage(each)}>
            {each}
          </button>
        ))}
      </div>
      <div className="example">
        <pre tabIndex={0} aria-label={texts.history.example}>
          {example}
        </pre>
        <CopyButton className="" what={texts.history.example} text={example}>
          {texts.copy.copy}
        </CopyButton>
      </div>
      <p role="status" className="waiting">
        <span aria-hidden="true" className="pulse" /> {texts.history.waitingForFirst}
      </p>
    </div>
  )
}

let greeted = false

/** Say that the first run has come, and where one reads what else there is to report. */
function greet(list: LiveList): void {
  const stop = list.subscribe(() => {
    if (!list.ids.length) return
    stop()
    if (!greeted) toast(texts.history.firstIsHere, { href: hrefs.events, text: texts.history.whatNext })
    greeted = true
  })
}

const EXAMPLES = {
  curl: (origin: string, engine: string) => `curl ${origin}/api/events \\
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/cloudevents+json' \\
  -d '{
    "specversion": "1.0", "id": "1", "source": ${JSON.stringify(engine).replaceAll("'", "'\\''")}, "subject": "run-1",
    "type": "execution.queued", "time": "'"$(date -u +%FT%TZ)"'",
    "data": {
      "workflow": "send invoices", "trigger": {"kind": "manual", "data": {"month": "2026-11"}}
    }
  }'`,
  Python: (origin: string, engine: string) => `from runwatch_client import Runwatch

client = Runwatch("${origin}", token="…", source=${JSON.stringify(engine)})

with client.execution("send invoices", trigger_kind="manual", trigger_data={"month": "2026-11"}) as run:
    with run.step("send"):
        run.log("INFO", "sending")`,
  Celery: (origin: string, engine: string) => `from celery import Celery
from runwatch_client import Runwatch
from runwatch_client.celery import install

app = Celery("my_app", broker="redis://localhost/0")
client = Runwatch("${origin}", token="…", source=${JSON.stringify(engine)})
install(app, client)  # every task that a worker runs is reported from now on`,
  JavaScript: (origin: string, engine: string) => `await fetch('${origin}/api/events', {
  method: 'POST',
  headers: { authorization: \`Bearer \${process.env.TOKEN}\`, 'content-type': 'application/cloudevents+json' },
  body: JSON.stringify({
    specversion: '1.0', id: crypto.randomUUID(), source: ${JSON.stringify(engine)}, subject: 'run-1',
    type: 'execution.queued', time: new Date().toISOString(),
    data: { workflow: 'send invoices', trigger: { kind: 'manual', data: { month: '2026-11' } } },
  }),
})`,
} as const
