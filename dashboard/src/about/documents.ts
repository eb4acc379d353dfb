import { graphql, type ResultOf } from '../api/graphql'

export const About = graphql(`
  query About {
    server {
      version build now
      retention { byItself days failureDays executions bytes figureDays errorGroupDays alertDays auditDays idleWorkflowDays }
    }
    viewer { name role expiresAt }
  }
`)
export type Retention = NonNullable<ResultOf<typeof About>['server']>['retention']
