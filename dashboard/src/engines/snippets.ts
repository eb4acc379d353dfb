/** What an engine needs so that retries of its runs arrive: variables, and the lines of code that use them. Pure. */
export type Kind = 'WEBHOOK' | 'CELERY'

/** For the environment of an engine. Its token is made apart. */
export function variablesOf(kind: Kind, origin: string, engine: string, secret: string | null): string {
  const lines = [`RUNWATCH_URL=${origin}`, `RUNWATCH_SOURCE=${quoted(engine)}`, 'RUNWATCH_TOKEN=']
  return [...lines, ...(kind === 'WEBHOOK' ? [`RUNWATCH_WEBHOOK_SECRET=${secret ?? ''}`] : [])].join('\n')
}

/** For a shell, if it needs quotes. */
function quoted(text: string): string {
  return /^[\w.:/@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

export const CODE: Record<Kind, string> = {
  WEBHOOK: `import os
from runwatch_client import webhook

receiver = webhook.Receiver(os.environ["RUNWATCH_WEBHOOK_SECRET"])

def receive(body: bytes, headers: dict[str, str]) -> int:
    try:
        request = receiver.verify(body, headers)  # the bytes as they arrived
    except webhook.WebhookError:
        return 400
    start(request.workflow, request.trigger_data, external_id=request.external_id)
    return 202  # at once: run it afterwards`,
  CELERY: `import os
from celery import Celery
from runwatch_client import Runwatch
from runwatch_client.celery import install

app = Celery("shop", broker="redis://…", backend="redis://…")
client = Runwatch(os.environ["RUNWATCH_URL"], token=os.environ["RUNWATCH_TOKEN"], source=os.environ["RUNWATCH_SOURCE"])
install(app, client)  # its workers then say that they run a retry once`,
}
