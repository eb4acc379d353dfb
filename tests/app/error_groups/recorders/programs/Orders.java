import java.util.List;
import java.util.Map;
// ABOVE
public class Orders {
    record Order(Map<String, Integer> lines) {}

    static int price(Order order) { return order.lines().get("price"); }

    static int refund(Order order) { return order.lines().get("price"); }

    static int total(List<Order> orders, int value) {
        return orders.stream().mapToInt(each -> Integer.parseInt("x" + value)).sum();
    }

    static int place(Order order, boolean back, int value) {
        try {
            return back ? refund(order) : price(order);
        } catch (NullPointerException error) {
            throw new IllegalStateException("order " + value + " failed", error);
        }
    }

    static int nth(int[] few, int at) { return few[at]; }

    public static void main(String[] given) {
        int value = Integer.parseInt(given[1]);
        Order order = new Order(Map.of("k" + value, value));
        Runnable later = () -> total(List.of(order), value);
        switch (given[0]) {
            case "null" -> price(order);
            case "null elsewhere" -> refund(order);
            case "lambda" -> later.run();
            case "cause" -> place(order, false, value);
            case "other cause" -> place(order, true, value);
            case "index" -> nth(new int[value % 5], value);
        }
    }
}
