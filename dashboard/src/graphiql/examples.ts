/** What somebody with a question starts from. Each is run by a test against the schema. */
export const EXAMPLES: readonly { name: string; query: string }[] = [
  {
    name: 'Newest unresolved failures',
    query: `# The newest failures that no retry has resolved
query UnresolvedFailures {
  executions(
    first: 10
    filter: { unresolved: true }
  ) {
    totalCount { value kind }
    nodes {
      id
      workflowName
      queuedAt
      failedStep { name }
      error { type message }
      retryability { canRetry reasons }
    }
  }
}
`,
  },
  {
    name: 'One execution with everything',
    query: `query Execution($id: ID!) {
  execution(id: $id) {
    id externalId workflowName state status attempt requestedBy
    queuedAt startedAt finishedAt queueMs durationMs
    engine { name canRetry }
    trigger { kind data redactedPaths incomplete }
    error { type message stackTrace group { id count } }
    steps { index name state startedAt durationMs input output error { message } }
    logs(last: 50) { nodes { at level message step { name } attributes } }
    retryOf { id } retries { id state }
  }
}
`,
  },
  {
    name: 'Figures of a day',
    query: `query Figures {
  metrics {
    total failed pending successRatePercent averageDurationMs
    durations { p50Ms p95Ms }
    topErrors(first: 5) { count group { type message } }
    byWorkflow(first: 5) { total failed workflow { name } }
  }
}
`,
  },
  {
    name: 'Follow all updates',
    query: `subscription Updates {
  executionUpdated {
    cursor change matches
    execution { id workflowName state durationMs }
  }
}
`,
  },
  {
    name: 'Dry run of a bulk retry',
    query: `# Changes nothing: dryRun shows what a retry of all unresolved failures would do
mutation WhatWouldBeRetried {
  retryExecutions(input: { filter: { unresolved: true }, limit: 100, dryRun: true }) {
    matched eligible snapshot
    retried { execution { workflowName } retryOf { id } }
    skipped { reasons execution { id workflowName } }
  }
}
`,
  },
]
