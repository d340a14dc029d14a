"""Models of purchases and spend: probabilities, crossings, likelihoods."""
