defmodule Shop.Orders do
  # ABOVE
  def price(order), do: Map.fetch!(order, :price) + 1
  def refund(order), do: Map.fetch!(order, :price) + 2
  def total(orders), do: Enum.map(orders, fn order -> price(order) + 1 end) ++ []
  def parse(text), do: String.to_integer(text) + 1
  def later(order), do: Task.await(Task.async(fn -> price(order) + 1 end))
end

[what, value] = System.argv()
order = %{"k" => value}

case what do
  "key" -> Shop.Orders.price(order)
  "key elsewhere" -> Shop.Orders.refund(order)
  "closure" -> Shop.Orders.total([order])
  "parse" -> Shop.Orders.parse("x" <> value)
  "task" -> Shop.Orders.later(order)
end
