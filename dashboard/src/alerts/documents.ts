import { graphql, type ResultOf, type VariablesOf } from '../api/graphql'

export const Condition = graphql(`
  fragment Condition on AlertCondition {
    failuresInARow
    failureRate { percent windowMinutes minimumRuns }
    slowRun
    newErrorGroup
    regressedErrorGroup
    noRun { minutes }
    engineSilence { minutes engineId }
  }
`)
export type Condition = ResultOf<typeof Condition>

export const Rules = graphql(
  `
    query AlertRules {
      alertRules {
        id enabled notifyRecovery lastFiredAt
        workflow { id name }
        condition { ...Condition }
        channels { kind target }
        quietHours { from to timeZone }
      }
    }
  `,
  [Condition],
)
export type Rule = NonNullable<ResultOf<typeof Rules>['alertRules']>[number]
export type Channel = Rule['channels'][number]
export type ChannelKind = Channel['kind']

export const Proposals = graphql(
  `
    query AlertProposals {
      alertProposals { condition { ...Condition } preview { count runs since complete } }
    }
  `,
  [Condition],
)
export type Proposal = NonNullable<ResultOf<typeof Proposals>['alertProposals']>[number]

export const Fired = graphql(
  `
    query Alerts($after: String, $filter: AlertFilter) {
      alerts(first: 30, after: $after, filter: $filter) {
        pageInfo { hasNextPage endCursor }
        nodes {
          id failures runs measuredMs comparedMs firedAt endedAt heldUntil
          condition { ...Condition }
          rule { id }
          execution { id }
          errorGroup { id }
          workflow { id name engine { name } }
          deliveries { channel notice together attempts deliveredAt nextAttemptAt givenUp lastError }
        }
      }
    }
  `,
  [Condition],
)
export type Alerts = NonNullable<ResultOf<typeof Fired>['alerts']>
export type Alert = Alerts['nodes'][number]

export const Engines = graphql(`
  query AlertEngines {
    engines { id name }
  }
`)

export const Preview = graphql(`
  query AlertPreview($condition: AlertConditionInput!, $workflow: ID) {
    alertPreview(condition: $condition, workflowId: $workflow) { count firedAt runs since complete }
  }
`)
export type Previewed = NonNullable<ResultOf<typeof Preview>['alertPreview']>

export const SaveRule = graphql(`
  mutation SaveAlertRule($input: AlertRuleInput!) {
    saveAlertRule(input: $input) { signingSecret rule { id } }
  }
`)
export type RuleInput = VariablesOf<typeof SaveRule>['input']
export type ConditionInput = VariablesOf<typeof Preview>['condition']

export const RenewSecret = graphql(`
  mutation RenewAlertSecret($id: ID!, $key: String!) {
    renewAlertSecret(id: $id, idempotencyKey: $key) { signingSecret }
  }
`)

export const DeleteRule = graphql(`
  mutation DeleteAlertRule($id: ID!) { deleteAlertRule(id: $id) }
`)

export const TestRule = graphql(`
  mutation TestAlertRule($id: ID!) {
    testAlertRule(id: $id) { outcomes { channel { kind target } error } }
  }
`)
export type Outcome = ResultOf<typeof TestRule>['testAlertRule']['outcomes'][number]
