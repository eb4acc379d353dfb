import { Component, type ReactNode } from 'react'
import { ApiError } from '../api/api'
import { ErrorBox } from '../parts/error-box'
import { texts } from '../texts'

interface Props {
  /** Another one is another chance. */
  path: string
  children: ReactNode
}

interface State {
  failed: boolean
  path: string
}

/**
 * Around what is loaded when it is needed: a part that cannot be loaded, because the server is away or has a newer page, is
 * said where it would be, and takes nothing else with it. Another try loads the page again.
 */
export class Boundary extends Component<Props, State> {
  override state: State = { failed: false, path: '' }

  static getDerivedStateFromError(): Partial<State> {
    return { failed: true }
  }

  static getDerivedStateFromProps({ path }: Props, before: State): State | null {
    return path === before.path ? null : { failed: false, path }
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children
    return (
      <div className="page-error">
        <h1>{texts.error.notLoadedTitle}</h1>
        <ErrorBox error={new ApiError(texts.error.notLoaded, 'OFFLINE')} retry={() => location.reload()} />
      </div>
    )
  }
}
