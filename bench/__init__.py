"""`make bench`: Smetka beside what one would write instead, measured from outside."""
