// Follows a log by a stock client: node follow.mjs CLIENT URL TOKEN EXECUTION CURSOR COUNT
// Prints a line "started", each message, and "ended"; or the code with which the socket was closed.
import { createClient } from "graphql-ws";
import { gql } from "graphql-tag";
import WebSocket from "ws";

const [kind, url, token, id, after, count] = process.argv.slice(2);
const QUERY = `subscription F($id: ID!, $after: String) {
  executionLogAppended(executionId: $id, after: $after) { cursor entry { message } }
}`;
const variables = { id, after };
const socket = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: { authorization: `Bearer ${token}` },
  retryAttempts: 3,
  on: {
    connected: () => console.log("started"),
    closed: (event) => (code = event.code),
  },
});
let code;
let left = Number(count);

function take({ data, error, errors }) {
  if (error || errors) throw error ?? errors;
  console.log(data.executionLogAppended.entry.message);
  left -= 1;
  return left === 0;
}

// Until all are taken of what `subscribe` hands to its callback; it returns how to unsubscribe.
function taken(subscribe) {
  return new Promise((resolve, reject) => {
    const unsubscribe = subscribe((result) => {
      try {
        if (take(result)) resolve(unsubscribe());
      } catch (error) {
        reject(error);
      }
    });
  });
}

async function end() {
  await socket.dispose();
  console.log("ended");
}

const clients = {
  async "graphql-ws"() {
    for await (const result of socket.iterate({ query: QUERY, variables })) if (take(result)) break;
  },
  async urql() {
    const { Client, subscriptionExchange } = await import("@urql/core");
    const exchange = subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ ...request, query: request.query ?? "" }, sink) }),
      }),
    });
    const client = new Client({ url: "http://unused.invalid", exchanges: [exchange] });
    await taken((next) => client.subscription(QUERY, variables).subscribe(next).unsubscribe);
  },
  async apollo() {
    const { ApolloClient, InMemoryCache } = await import("@apollo/client/core/index.js");
    const { GraphQLWsLink } = await import("@apollo/client/link/subscriptions/index.js");
    const client = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() });
    await taken((next) => {
      // Its errors are results, too.
      const subscription = client.subscribe({ query: gql(QUERY), variables }).subscribe({ next });
      return () => subscription.unsubscribe();
    });
  },
};

try {
  await clients[kind]();
  await end();
} catch (error) {
  console.log(`closed ${code}: ${error.message ?? JSON.stringify(error)}`);
}
