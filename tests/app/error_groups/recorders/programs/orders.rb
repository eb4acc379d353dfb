class Order
  # ABOVE
  def price(lines) = lines.fetch(:price)

  def refund(lines) = lines.fetch(:price)

  def total(lines)
    [lines].each { |line| line.map { |each| Integer(each) } }
  end

  def place(value)
    price({ value => 1 })
  rescue KeyError
    raise "order #{value} failed"
  end

  def cancel(value)
    refund({ value => 1 })
  rescue KeyError
    raise "order #{value} failed"
  end

  def either(value, way)
    way == "price" ? price({ value => 1 }) : refund({ value => 1 })
  rescue KeyError
    raise "order #{value} failed"
  end
end

value = ARGV[1]
order = Order.new
case ARGV[0]
when "missing" then order.price({ value => 1 })
when "missing elsewhere" then order.refund({ value => 1 })
when "block" then order.total(["x#{value}"])
when "rescued" then order.place(value)
when "rescued elsewhere" then order.cancel(value)
when "cause" then order.either(value, "price")
when "other cause" then order.either(value, "refund")
when "nil" then nil.price
end
