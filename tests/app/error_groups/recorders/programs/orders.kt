package shop

// ABOVE
class Order(val lines: Map<String, Int>)

fun price(order: Order): Int = order.lines.getValue("price") + 1

fun refund(order: Order): Int = order.lines.getValue("price") + 2

fun total(orders: List<Order>, value: Int): Int = orders.map { { "x$value".toInt() }() }.sum()

fun place(order: Order, way: (Order) -> Int, value: Int): Int =
    try { way(order) } catch (error: NoSuchElementException) { throw IllegalStateException("order $value failed", error) }

fun main(given: Array<String>) {
    val value = given[1].toInt()
    val order = Order(mapOf("k$value" to value))
    when (given[0]) {
        "missing" -> price(order)
        "missing elsewhere" -> refund(order)
        "lambda" -> total(listOf(order), value)
        "cause" -> place(order, ::price, value)
        "other cause" -> place(order, ::refund, value)
    }
}
