// ABOVE
const price = (order) => order.lines.length;
const refund = (order) => order.lines.length;
class Shop {
  async place(value, way) {
    await null;
    try { return way({ value }); }
    catch (cause) { throw new Error(`order ${value} failed`, { cause }); }
  }
  async later(value) { await null; return [value].map((each) => price({ each })); }
}
const [, , what, value] = process.argv;
const shop = new Shop();
if (what === "undefined") price({});
if (what === "undefined elsewhere") refund({});
if (what === "cause") await shop.place(value, price);
if (what === "other cause") await shop.place(value, refund);
if (what === "async") await shop.later(value);
if (what === "json") JSON.parse(`{'a': ${value}}`);
