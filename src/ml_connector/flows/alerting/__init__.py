"""What people are told without looking: raised, grouped, sent, and told when it is over."""
