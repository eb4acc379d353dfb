use strict; use warnings; use Carp qw(confess croak);
# ABOVE
sub price { my ($order) = @_; confess "no price for $order->{id}" }
sub refund { my ($order) = @_; confess "no price for $order->{id}" }
sub total { my ($order) = @_; eval { price($order); 1 } or die $@ }
sub plain { my ($order) = @_; die "no stock for $order->{id}" }
sub divide { my ($order) = @_; return 1 / ($order->{id} - $order->{id}) }
my ($what, $value) = @ARGV;
my $order = { id => $value };
price($order) if $what eq 'confess';
refund($order) if $what eq 'confess elsewhere';
total($order) if $what eq 'eval';
plain($order) if $what eq 'die';
divide($order) if $what eq 'divide';
