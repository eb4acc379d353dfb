// Asks twice by hash, as Apollo's client does: node persisted.mjs URL TOKEN METHOD QUERY
// Prints a line of JSON for each request that it sends (its method, and whether it had the text), then the data.
import { createHash } from "node:crypto";
import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";

const [url, token, method, query] = process.argv.slice(2);
const http = new HttpLink({
  uri: url,
  headers: { authorization: `Bearer ${token}` },
  fetch: (address, init) => {
    const sent = init.method === "GET" ? Object.fromEntries(new URL(address).searchParams) : JSON.parse(init.body);
    console.log(JSON.stringify([init.method, sent.query !== undefined]));
    return fetch(address, init);
  },
});
const link = new PersistedQueryLink({
  sha256: (text) => createHash("sha256").update(text).digest("hex"),
  useGETForHashedQueries: method === "GET",
}).concat(http);
const client = new ApolloClient({ link, cache: new InMemoryCache() });
for (let time = 0; time < 2; time++) {
  const { data } = await client.query({ query: gql(query), fetchPolicy: "no-cache" });
  console.log(JSON.stringify(data));
}
