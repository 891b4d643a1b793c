"""What people are told of a refusal by its reason: a module for each service whose refusals they are, one for those of
the gateway, one for those that several share."""
