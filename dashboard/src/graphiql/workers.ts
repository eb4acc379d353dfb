import EditorWorker from 'monaco-editor/esm/vs/editor/editor.worker.js?worker'
import JsonWorker from 'monaco-editor/esm/vs/language/json/json.worker.js?worker'
import GraphQLWorker from 'monaco-graphql/esm/graphql.worker.js?worker'

// Imported before GraphiQL: its own set-up for Vite cannot be pre-bundled, and without the JSON worker Monaco fails.
window.MonacoEnvironment = {
  getWorker: (_id, label) =>
    label === 'json' ? new JsonWorker() : label === 'graphql' ? new GraphQLWorker() : new EditorWorker(),
}
