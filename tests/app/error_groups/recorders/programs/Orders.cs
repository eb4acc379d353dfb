using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
namespace Shop {
// ABOVE
public class Orders {
    readonly Dictionary<string, int> lines = new Dictionary<string, int>();
    public int Price(string key) { return lines[key].CompareTo(1); }
    public int Refund(string key) { return lines[key].CompareTo(2); }
    // LAMBDA
    public int Total(int value) { return new[] { value }.Select(each => int.Parse("x" + each)).Sum(); }
    public async Task<int> Place(int value) { await Task.Yield(); return Price("k" + value); }
    public async Task<int> Cancel(int value) { await Task.Yield(); return Refund("k" + value); }
    public int Either(int value, bool back) {
        try { return back ? Refund("k" + value) : Price("k" + value); }
        catch (KeyNotFoundException error) { throw new InvalidOperationException("order " + value, error); }
    }
    public static void Main(string[] given) {
        var orders = new Orders();
        var value = int.Parse(given[1]);
        switch (given[0]) {
            case "key": orders.Price("k" + value); break;
            case "key elsewhere": orders.Refund("k" + value); break;
            case "lambda": orders.Total(value); break;
            case "async": orders.Place(value).GetAwaiter().GetResult(); break;
            case "async elsewhere": orders.Cancel(value).GetAwaiter().GetResult(); break;
            case "cause": orders.Either(value, false); break;
            case "other cause": orders.Either(value, true); break;
        }
    }
}
}
