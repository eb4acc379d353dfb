<?php
namespace Shop;
// ABOVE
class Orders {
    public function __construct(private ?Orders $next = null) {}
    public function price(array $lines): int { return intdiv($lines['price'], $lines['amount']); }
    public function refund(array $lines): int { return intdiv($lines['price'], $lines['amount']); }
    public function total(array $all): array { return array_map(function ($each) { return $this->price($each); }, $all); }
    public function place(array $lines, string $way): int {
        try {
            return $way === 'price' ? $this->price($lines) : $this->refund($lines);
        } catch (\DivisionByZeroError $cause) {
            throw new \RuntimeException("order {$lines['price']} failed", 3, $cause);
        }
    }
    public function nothing(): int { return $this->next->price([]); }
    public function nowhere(): int { return $this->next->price([]); }
}
ini_set('display_errors', 'stderr');
$lines = ['price' => (int) $argv[2], 'amount' => 0];
$orders = new Orders();
match ($argv[1]) {
    'divide' => $orders->price($lines),
    'divide elsewhere' => $orders->refund($lines),
    'closure' => $orders->total([$lines]),
    'cause' => $orders->place($lines, 'price'),
    'other cause' => $orders->place($lines, 'refund'),
    'null' => $orders->nothing(),
    'null elsewhere' => $orders->nowhere(),
};
