// Runs the audits of the npm package graphql-http: node audits.mjs URL TOKEN
// Prints a line of JSON for each: its id, name and status ("ok", "warn" for a SHOULD that is not kept, "error"), and why.
import { serverAudits } from "graphql-http";

const [url, token] = process.argv.slice(2);
const fetchFn = (address, init = {}) =>
  fetch(address, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason } = await audit.fn();
  console.log(JSON.stringify({ id, name, status, reason }));
}
